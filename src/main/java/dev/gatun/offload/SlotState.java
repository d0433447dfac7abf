package dev.gatun.offload;

/** What a slot of an {@link ExpertCache} is doing. */
public enum SlotState {
    /** It holds nothing. */
    FREE,
    /** A copy into it is in flight. */
    FILLING,
    /** It holds an expert that nobody uses. */
    RESIDENT,
    /** It holds what a layer in work uses. */
    IN_USE
}
