//! Optimisers, schedules, and the loop that uses them.
