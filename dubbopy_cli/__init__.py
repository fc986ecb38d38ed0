"""Take a Dubbo service from an empty folder to several versions in production."""

__version__ = "0.1.0"
