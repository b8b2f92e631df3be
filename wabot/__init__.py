"""wabot answers a WhatsApp number with an AI, day and night, from one small Linux process."""

__version__ = "0.1.0"
