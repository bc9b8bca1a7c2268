"""What models are for, and how the Hub's tasks map to it."""

from __future__ import annotations

from enum import StrEnum


class ModelType(StrEnum):
    """What a model is for. One model of each type can be active at a time."""

    LLM = "llm"
    IMAGE_GEN = "image_gen"
    VIDEO_GEN = "video_gen"
    ANIMATION = "animation"
    LIP_SYNC = "lip_sync"
    TTS = "tts"
    MUSIC = "music"
    AUDIO = "audio"
    VISION = "vision"
    EMBEDDING = "embedding"
    THREE_D = "3d"
    UTILITY = "utility"


_TASKS: dict[ModelType, tuple[str, ...]] = {
    ModelType.LLM: (
        "text-generation",
        "text2text-generation",
        "image-text-to-text",
        "audio-text-to-text",
        "video-text-to-text",
        "any-to-any",
        "conversational",
        "question-answering",
        "document-question-answering",
        "visual-question-answering",
        "table-question-answering",
        "summarization",
        "translation",
    ),
    ModelType.IMAGE_GEN: (
        "text-to-image",
        "image-to-image",
        "image-text-to-image",
        "unconditional-image-generation",
    ),
    ModelType.VIDEO_GEN: (
        "text-to-video",
        "image-to-video",
        "image-text-to-video",
        "video-to-video",
    ),
    ModelType.TTS: ("text-to-speech",),
    ModelType.MUSIC: ("text-to-audio",),
    ModelType.AUDIO: (
        "automatic-speech-recognition",
        "audio-to-audio",
        "audio-classification",
        "voice-activity-detection",
    ),
    ModelType.VISION: (
        "image-classification",
        "image-segmentation",
        "object-detection",
        "depth-estimation",
        "image-to-text",
        "mask-generation",
        "zero-shot-image-classification",
        "zero-shot-object-detection",
        "image-feature-extraction",
        "keypoint-detection",
        "video-classification",
        "visual-document-retrieval",
    ),
    ModelType.EMBEDDING: ("feature-extraction", "sentence-similarity", "text-ranking"),
    ModelType.THREE_D: ("text-to-3d", "image-to-3d"),
}

_TYPE_OF_TASK = {task: kind for kind, tasks in _TASKS.items() for task in tasks}


def type_of_task(task: str | None) -> ModelType:
    """The type for the Hub's `pipeline_tag`; `utility` where nothing says otherwise."""
    return _TYPE_OF_TASK.get(task or "", ModelType.UTILITY)


def tasks_of(kind: ModelType) -> tuple[str, ...]:
    """The Hub's tasks that mean this type, commonest first."""
    return _TASKS.get(kind, ())
