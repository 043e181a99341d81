"""`make upstream`: reports for libraries that compute what nobody reads, each with its mend."""
