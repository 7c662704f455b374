"""The Gcore border: what the API is asked and what its answers mean. Nothing outside of here sees a response."""
