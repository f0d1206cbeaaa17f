"""Photos and signatures as records; their bytes live in the content-addressed store."""
