"""http_client.py URL FILE CONTENT_TYPE: posts the file with Python's http.client; prints the status and the problem's type."""

import http.client
import json
import sys
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc, timeout=100)
with open(sys.argv[2], "rb") as file:
    body = file.read()
connection.request("POST", f"{url.path}?{url.query}", body, {"Content-Type": sys.argv[3]})
answer = connection.getresponse()
print(answer.status, json.loads(answer.read())["type"])
