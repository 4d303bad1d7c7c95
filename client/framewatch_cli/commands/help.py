"""What `framewatch --help` and the help of commands that are imported when they are called say of them."""

LAZY_COMMANDS = {
    "watch": """Watch a video, images, a camera or a stream; say when a label's thing appears and when it goes.

Example: framewatch watch belt.mp4 --label "a box" --label "an empty belt" --rule "a box:0.8:0.5"

Example: framewatch watch rtsp://door/main --rules rules.yaml, with what "framewatch calibrate" wrote

Ctrl-C ends it with a summary.
""",
    "calibrate": """Find a rule's score, thresholds and times from a recording of which you know when it is there.

Example: framewatch calibrate door.mp4 --label person --label "an empty room" --present 6.1s-20.2s,22.8s-45.1s
--until 46.4s --out rules.yaml

Times are seconds (6.1s or 6.1), MM:SS or H:MM:SS; an interval may end at "end".
""",
    "replay": """Run rules over recorded scores, without a server or a model, to try thresholds.

Example: framewatch watch door.mp4 --rules rules.yaml --json > scores.jsonl

Example: framewatch replay scores.jsonl --rules rules.yaml
""",
    "evaluate": """Compare what rules say of a recording with what was truly there.

Example: framewatch evaluate door.mp4 --truth truth.json --rules rules.yaml

Exit code 0: every event was right and none was missing; 1: not so.
""",
    "models": """Show the models that a server has.
""",
    "embed": """Make an index of pictures for "framewatch search", or bring one up to date.

Example: framewatch embed photos --out photos.npz

Run it again whenever pictures have come, changed or gone: only those are embedded. So it is, too, after Ctrl-C.
""",
    "search": """Search an index for pictures by words or by a picture.

Example: framewatch search "a photo of a dog" --index photos.npz

Example: framewatch search dog.jpg --index photos.npz --sheet hits.png

Models are used to sentences: "a photo of a dog" works better than "dog". Pictures that fit a text well have scores of
about 0.2 to 0.35 with most models; those of alike pictures are higher.
""",
    "label": """Label pictures by what they show, for training a smaller model; unsure ones go to a pile of their own.

Example: framewatch label photos --label "a cat" --label "a dog" --label "something else" --out labelled --val-share 0.1

Example: framewatch label belt.mp4 --label "a box" --label "an empty belt" --out labels.csv

The same command again goes on where it was cut off; with another --min-score it sorts anew, without the server.
""",
}
"""By the command's name; the first paragraph is what the list of commands shows."""
