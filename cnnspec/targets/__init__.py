"""Programs from the IR: one folder per target. A target only writes text: it imports nothing that its
programs import."""
