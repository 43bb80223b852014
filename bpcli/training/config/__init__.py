"""The config: its keys, how it is read and checked, and how one is drafted."""
