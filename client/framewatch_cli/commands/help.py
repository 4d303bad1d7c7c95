"""Help texts of the commands, which `framewatch --help` shows without importing any command."""

COMMANDS = {
    "classify": """Score images against labels.

Example: framewatch classify cat.png --label "a cat" --label "a dog"
""",
    "similarity": """Compare images with a first one by the cosines of their embeddings.

Example: framewatch similarity cat.png puppy.webp car.jpg

Example: framewatch similarity cat.png puppy.webp car.jpg --query dog.jpg, to compare the others with cat and dog

The cosine is 1 for the same picture.
""",
    "watch": """Watch a video, images, a camera or a stream, and print an event when a thing appears or is gone.

Example: framewatch watch belt.mp4 --label "a box" --background "an empty belt" --rule "a box:0.8:0.5"

Example: framewatch watch rtsp://door/main --rules rules.yaml, with the file that "framewatch calibrate" wrote

Ctrl-C ends it with a summary.
""",
    "calibrate": """Find a rule's score, thresholds and times from a recording with known times of presence.

Example: framewatch calibrate door.mp4 --label person --label "an empty room" --present 6.1s-20.2s,22.8s-45.1s
--until 46.4s --out rules.yaml

Times are seconds (6.1s or 6.1), MM:SS or H:MM:SS; an interval may end at "end".
""",
    "replay": """Run rules over recorded scores, without a server or a model, to try thresholds.

Example: framewatch watch door.mp4 --rules rules.yaml --json > scores.jsonl

Example: framewatch replay scores.jsonl --rules rules.yaml
""",
    "evaluate": """Compare the events of rules over a recording with the truth about it.

Example: framewatch evaluate door.mp4 --truth truth.json --rules rules.yaml

Exit code 0: every event was right and none was missing; 1: an event was wrong or missing.
""",
    "models": """Show the models of a server.
""",
    "embed": """Make an index of pictures for "framewatch search", or bring one up to date.

Example: framewatch embed photos --out photos.npz

Run it again when pictures are new, have changed or are gone: only new and changed ones are embedded. After Ctrl-C the
same command goes on.
""",
    "search": """Search an index for pictures by a text or by a picture.

Example: framewatch search "a photo of a dog" --index photos.npz

Example: framewatch search dog.jpg --index photos.npz --sheet hits.html

Models were trained with sentences: "a photo of a dog" works better than "dog". Pictures that fit a text well have
scores of about 0.2 to 0.35 with most models; similar pictures have higher ones.
""",
    "label": """Label pictures by what they show, for training a smaller model; uncertain ones go to their own pile.

Example: framewatch label photos --label "a cat" --label "a dog" --label "something else" --out labelled --val-share 0.1

Example: framewatch label belt.mp4 --label "a box" --label "an empty belt" --out labels.csv

The same command again goes on where it was cut off. With another --min-score it sorts the pictures anew, without the
server.
""",
}
"""Help by the command's name; the first paragraph is the command's line in the list of commands."""
