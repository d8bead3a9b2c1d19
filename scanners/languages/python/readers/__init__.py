"""The readers the scanner knows by itself: the SDKs, stores and settings that flags are asked of."""
