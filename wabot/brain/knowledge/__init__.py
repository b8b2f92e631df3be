"""What the business wrote about itself, and the search in it. Begin reading in base."""
