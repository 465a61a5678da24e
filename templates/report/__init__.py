"""A folder of documents and a goal become a reviewed, cited report. Copy this folder and change what you like.

The roles are plain functions: `planner.plan`, `researcher.research`, `writer.write`, `reviewer.review`,
`writer.revise` and `render.render`. They use no language model; what they say is quoted from the documents.
"""
