from pathlib import Path

def get_binary_path() -> Path:
    """The server's executable; raises exceptions.ValkeyBinaryNotFoundError."""
