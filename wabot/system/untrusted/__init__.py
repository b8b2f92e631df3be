"""Reads what somebody hostile may have made: PDFs and pictures, in processes with limits.

Begin reading in:
    confined        a process with limits on memory, time and files
    pdf             the text of a PDF; pdf_child is that process
    picture_child   the process that makes a picture small and plain
    file_types      what a file is, told by its first bytes
    photo_metadata  takes out of a photograph where it was made
"""
