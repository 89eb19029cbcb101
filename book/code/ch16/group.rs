//! Workers in one process, each on a thread of its own. Nobody sees another's memory: what one knows of another came
//! over a line.

use residual::Real;
use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// One worker's ends of all lines.
// ANCHOR: node
pub struct Node<T> {
    /// Which of the workers this is, from 0.
    pub rank: usize,
    /// How many there are.
    pub size: usize,
    /// What it has sent so far.
    pub sent: Traffic,
    to: Vec<Sender<Message<T>>>,
    from: Vec<Receiver<Message<T>>>,
    wire: Wire,
    /// When the line out, and the line in, will have carried what they were given.
    free: [Instant; 2],
}
// ANCHOR_END: node

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub messages: usize,
    pub bytes: usize,
}

/// How slow the lines are: nothing for the group's own, which are memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    /// Seconds that every message takes.
    pub alpha: f64,
    /// Seconds that every byte takes.
    pub beta: f64,
}

impl Wire {
    /// Seconds of a message of so many bytes.
    pub fn seconds(self, bytes: f64) -> f64 {
        self.alpha + self.beta * bytes
    }
}

struct Message<T> {
    numbers: Vec<T>,
    /// When its last byte arrives.
    lands: Instant,
}

impl<T: Real> Node<T> {
    // ANCHOR: lines
    /// Sends `numbers` to worker `to`, and does not wait. Behind one message, the line takes the next.
    pub fn send(&mut self, to: usize, numbers: &[T]) {
        let bytes = size_of_val(numbers);
        self.sent.messages += 1;
        self.sent.bytes += bytes;
        let lands = self.free[0].max(Instant::now()) + self.takes(bytes);
        self.free[0] = lands;
        self.to[to].send(Message { numbers: numbers.to_vec(), lands }).expect("nobody leaves early");
    }

    /// What worker `from` has sent, once all of it is there.
    pub fn receive(&mut self, from: usize) -> Vec<T> {
        let Message { numbers, lands } = self.from[from].recv().expect("nobody leaves early");
        self.free[1] = lands.max(self.free[1] + self.takes(size_of_val(&numbers[..])));
        thread::sleep(self.free[1].saturating_duration_since(Instant::now()));
        numbers
    }
    // ANCHOR_END: lines

    fn takes(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(self.wire.seconds(bytes as f64))
    }
}

/// `size` nodes, every two of them joined by a line each way.
fn nodes<T>(size: usize, wire: Wire) -> Vec<Node<T>> {
    let now = Instant::now();
    let new = |rank| Node {
        rank,
        size,
        sent: Traffic::default(),
        to: Vec::new(),
        from: Vec::new(),
        wire,
        free: [now; 2],
    };
    let mut nodes: Vec<_> = (0..size).map(new).collect();
    for from in 0..size {
        for to in 0..size {
            let (sender, receiver) = channel();
            nodes[from].to.push(sender);
            nodes[to].from.push(receiver);
        }
    }
    nodes
}

// ANCHOR: run
/// What `work` returns for each of `size` workers, in the order of their ranks.
pub fn run<T: Real, R: Send>(size: usize, wire: Wire, work: impl Fn(Node<T>) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let start = |node| {
            let work = &work;
            // Inside, the crate computes on this worker's own thread and on no other.
            scope.spawn(move || alone().install(|| work(node)))
        };
        let workers: Vec<_> = nodes(size, wire).into_iter().map(start).collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker fails")).collect()
    })
}
// ANCHOR_END: run

/// The crate's operations run on this one thread.
pub fn alone() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread")
}
