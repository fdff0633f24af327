"""What several tests share: servers, waiting by condition."""
