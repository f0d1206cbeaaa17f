"""The main job told against a running product, through the doors that people and tablets use. Each step can fail."""
