"""From a plan to a measured answer: one module a shape of answer, each of typed queries and what they come to."""
