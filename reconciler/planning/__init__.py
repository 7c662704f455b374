"""Stage 5: differences -> ordered, bounded requests, in the words of either version of the API. Pure."""
