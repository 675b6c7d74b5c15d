"""Messages of the hub's endpoint: received by a recorder, kept in a journal, parsed, filtered, counted.

The journal is the hand-over: the recorder (a process of its own) is its only writer, consoles read. What is in it is neither
lost nor doubled by a cut line, a killed console or a killed recorder, because each partition resumes from the journal's own
last position and inserting twice is inserting once.
"""
