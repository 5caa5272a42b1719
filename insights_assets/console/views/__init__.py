"""The pages, one file each; `app.py` lists them.

The folder is not called `pages`: Streamlit serves a folder of that name beside the app by itself until the app has run once, and a
ticket's link opened first would show a page without its frame.
"""
