//! Weights in files: safetensors, with torchvision's names and PyTorch's layouts.
