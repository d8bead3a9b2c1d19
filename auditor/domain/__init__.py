"""The pure core: flags, changes, attribution, findings. No input, no output, no third-party library."""
