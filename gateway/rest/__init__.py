"""The handlers of the REST interface; `gateway/routes.py` says where each is found."""
