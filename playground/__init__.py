"""The core of the playground: plain Python values and functions, no Streamlit."""

__version__ = "0.1.0"
