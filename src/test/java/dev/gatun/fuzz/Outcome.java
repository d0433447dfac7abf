package dev.gatun.fuzz;

/** How a case ended. */
sealed interface Outcome {
    /** The files were read and used. */
    record Accepted() implements Outcome {}

    /** They were refused as is documented, with this message. */
    record Refused(String message) implements Outcome {}

    /** Something else happened, which is a fault of Gatun's. */
    record Failed(String what) implements Outcome {}
}
