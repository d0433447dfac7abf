package dev.gatun.checkpoint;

import java.nio.file.Path;

/** A tensor and the file it lies in, so that a message can name both. */
record StoredTensor(Path file, Tensor tensor) {
    /** Both names; a message goes on from there. */
    String where() {
        return Quoted.of(file) + ": tensor " + Quoted.of(tensor.name());
    }
}
