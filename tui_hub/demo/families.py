"""What the made-up catalogue is made of: how many models of each task, and in which form."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass

_M, _B = 10**6, 10**9

ORGANISATIONS = (
    "demo-lab", "demo-forge", "demo-mobile", "demo-audio-works", "demo-vision-group",
    "demo-quants", "demo-render-farm", "example-institute", "example-university", "placeholder-ai",
    "sample-works", "mockup-research", "pretend-studio", "invented-models", "fictional-robotics",
    "dummy-data-club",
)  # fmt: skip

NAMES = (
    "Abelo", "Brisk", "Calyx", "Dovetail", "Ember", "Fathom", "Garnet", "Hollow", "Inkwell",
    "Juniper", "Kettle", "Lantern", "Marrow", "Nettle", "Orchard", "Pewter", "Quillon", "Russet",
    "Saffron", "Thistle", "Umbra", "Vellum", "Willow", "Xylem", "Yonder", "Zephyrine", "Bramble",
    "Cinder", "Driftwood", "Foxglove", "Gossamer", "Heron", "Ivory", "Jasper", "Kelp", "Limpet",
    "Moth", "Nimbus", "Ochre", "Plover", "Rook", "Sorrel", "Tamarind", "Vesper", "Wren",
)  # fmt: skip

LICENSES = (
    "apache-2.0", "apache-2.0", "apache-2.0", "mit", "mit", "openrail", "cc-by-4.0",
    "cc-by-nc-4.0", "bsd-3-clause", "other", None,
)  # fmt: skip

_SIZES = {
    "big": (1 * _B, 3 * _B, 7 * _B, 8 * _B, 13 * _B, 14 * _B, 32 * _B, 70 * _B),
    "middle": (350 * _M, 860 * _M, 1_500 * _M, 2_600 * _M, 6 * _B, 12 * _B),
    "small": (25 * _M, 86 * _M, 110 * _M, 340 * _M, 640 * _M),
    "tiny": (2 * _M, 5 * _M, 12 * _M, 31 * _M),
}
"""Numbers of parameters to choose from."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models of one task and form."""

    count: int
    task: str | None
    library: str | None
    form: str
    """The kind of weights, as `samples.weights_files` names it."""
    parameters: tuple[int, ...]
    words: tuple[str, ...]
    """What stands behind the invented name."""
    labels: tuple[str, ...] = ()
    organisation: str | None = None
    """One that publishes them all; any where it is `None`."""


_TABLE = """
62 | text-generation | transformers | decoder | big | Instruct Chat Base Coder | conversational
44 | text-generation | gguf | gguf | big | Instruct-GGUF Coder-GGUF | imatrix | demo-quants
8 | text-generation | mlx | safetensors | big | 4bit-mlx | mlx
14 | text-generation | peft | adapter | big | adapter lora-sft | lora trl
18 | image-text-to-text | transformers | decoder | big | VL Vision-Instruct | multimodal
4 | any-to-any | transformers | safetensors | big | Omni
3 | audio-text-to-text | transformers | safetensors | big | Audio-Chat
3 | video-text-to-text | transformers | safetensors | big | Video-Chat
8 | summarization | transformers | safetensors | small | summary digest
10 | translation | transformers | pickle | small | en-de fr-en many-to-many
8 | question-answering | transformers | safetensors | small | qa reader
2 | visual-question-answering | transformers | safetensors | middle | vqa
3 | document-question-answering | transformers | safetensors | small | docqa
44 | text-to-image | diffusers | pipeline | middle | XL Turbo Diffusion Photo
26 | text-to-image | diffusers | adapter | middle | ink-lora clay-lora | lora template:sd-lora
12 | image-to-image | diffusers | pipeline | middle | Edit Upscale Inpaint
4 | unconditional-image-generation | diffusers | pipeline | small | ddpm
18 | text-to-video | diffusers | pipeline | middle | Video Motion Clips
13 | image-to-video | diffusers | pipeline | middle | I2V Animate
5 | video-to-video | diffusers | pipeline | middle | Restyle lip-sync | lip-sync
18 | text-to-speech | transformers | safetensors | small | TTS Voice | audio | demo-audio-works
12 | text-to-audio | transformers | safetensors | middle | Music Foley | music
22 | automatic-speech-recognition | transformers | safetensors | small | ASR Transcribe | audio
5 | audio-to-audio | speechbrain | pickle | tiny | denoise separate
9 | audio-classification | transformers | safetensors | small | sounds emotion
4 | voice-activity-detection | - | onnx | tiny | vad
24 | image-classification | timm | safetensors | small | vit-b16 convnet-s mixer | timm
13 | image-segmentation | transformers | safetensors | small | seg panoptic
16 | object-detection | transformers | onnx | small | detect detr
7 | depth-estimation | transformers | safetensors | small | depth
4 | mask-generation | transformers | safetensors | small | mask-anything
6 | zero-shot-image-classification | open_clip | safetensors | small | clip-b32
3 | zero-shot-object-detection | transformers | safetensors | small | open-vocab
5 | image-feature-extraction | timm | safetensors | small | features
5 | image-to-text | transformers | safetensors | small | ocr caption
3 | keypoint-detection | transformers | safetensors | tiny | pose
4 | video-classification | transformers | safetensors | small | actions
14 | feature-extraction | transformers | safetensors | small | embed encoder
18 | sentence-similarity | sentence-transformers | safetensors | small | embed-small multilingual
6 | text-ranking | sentence-transformers | safetensors | small | reranker
6 | text-to-3d | diffusers | pipeline | middle | Sculpt
9 | image-to-3d | - | pickle | middle | Solid Mesh
9 | image-classification | tflite | tflite | tiny | mobile edge-int8 |  | demo-mobile
6 | object-detection | - | tflite | tiny | detect-edge |  | demo-mobile
3 | audio-classification | - | tflite | tiny | wake-word |  | demo-mobile
7 | image-segmentation | litert | tflite | tiny | seg-edge |  | demo-mobile
10 | text-generation | litert-lm | litertlm | small | ekv2048 pocket |  | demo-mobile
1 | text-generation | - | task | small | task-bundle | LiteRT | demo-mobile
10 | fill-mask | transformers | pickle | small | base-uncased large
14 | text-classification | transformers | safetensors | small | sentiment toxicity
8 | token-classification | transformers | safetensors | small | ner pos
4 | reinforcement-learning | stable-baselines3 | pickle | tiny | ppo-lander
4 | time-series-forecasting | - | safetensors | tiny | forecast
3 | robotics | lerobot | safetensors | small | act-pick
6 | - | - | safetensors | small | experiment test-upload
"""
"""Count, task, library, form, sizes, words behind the name, more tags, organisation."""


def families() -> list[Family]:
    """About six hundred models over every task that a feed asks for."""
    return [_family(line) for line in _TABLE.strip().splitlines()]


def _family(line: str) -> Family:
    cells = [cell.strip() for cell in line.split("|")]
    number, task, library, form, sizes, words, labels, organisation = (*cells, "", "")[:8]
    return Family(
        count=int(number),
        task=None if task == "-" else task,
        library=None if library == "-" else library,
        form=form,
        parameters=_SIZES[sizes],
        words=tuple(words.split()),
        labels=tuple(labels.split()),
        organisation=organisation or None,
    )
