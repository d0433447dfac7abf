package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * A tensor and the file it lies in, so that a message can name both.
 *
 * @param offset where its data begins in the file
 */
record StoredTensor(Path file, long offset, Tensor tensor) {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int HALF_EXPONENT = 0x7c00;

    /** Both names; a message goes on from there. */
    String where() {
        return Quoted.of(file) + ": tensor " + Quoted.of(tensor.name());
    }

    /** This tensor, which must be of a type that quantized matrices are stored in. */
    StoredTensor require(TensorType type) {
        if (tensor.type() != type) {
            throw new CheckpointException(where() + " has the dtype " + tensor.type() + ", but must be " + type
                    + "; Gatun reads codes of 2, 3, 4 or 8 bits with scales and zeros in bytes");
        }
        return this;
    }

    /** This tensor, which must be of fp16 without NaN and infinity. */
    StoredTensor requireFinite() {
        require(TensorType.F16);
        MemorySegment data = tensor.data();
        // One large read: page by page, the constants of a whole 8x7B take ten times as long from a cold disk.
        data.load();
        for (long at = 0; at < data.byteSize(); at += Short.BYTES) {
            if ((data.get(HALF, at) & HALF_EXPONENT) == HALF_EXPONENT) {
                throw new CheckpointException(
                        where() + " has a NaN or infinity at " + at / Short.BYTES + "; download the file again");
            }
        }
        return this;
    }
}
