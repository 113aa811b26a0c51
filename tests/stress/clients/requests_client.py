"""requests_client.py URL FILE CONTENT_TYPE: posts the file with requests; prints the status and the problem's type."""

import sys

import requests

with open(sys.argv[2], "rb") as file:
    answer = requests.post(sys.argv[1], data=file.read(), headers={"Content-Type": sys.argv[3]}, timeout=100)
print(answer.status_code, answer.json()["type"])
