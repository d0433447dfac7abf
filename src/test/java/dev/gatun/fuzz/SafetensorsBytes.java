package dev.gatun.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** A safetensors file cut into its header's JSON and the data behind it, spelled out apart from the reader it is to test. */
final class SafetensorsBytes {
    /** Where the data of Gatun's own files begins is a multiple of this. */
    private static final int ALIGNMENT = 4096;

    private final byte[] header;
    private final byte[] data;

    private SafetensorsBytes(byte[] header, byte[] data) {
        this.header = header;
        this.data = data;
    }

    /** Cuts a file; empty if the length that it begins with is not that of a part of it. */
    static Optional<SafetensorsBytes> of(byte[] file) {
        long length = file.length < Long.BYTES
                ? -1
                : ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > file.length - Long.BYTES) {
            return Optional.empty();
        }
        int end = Long.BYTES + (int) length;
        return Optional.of(new SafetensorsBytes(
                Arrays.copyOfRange(file, Long.BYTES, end), Arrays.copyOfRange(file, end, file.length)));
    }

    byte[] header() {
        return header.clone();
    }

    int dataLength() {
        return data.length;
    }

    /** The file with another header, its data aligned if it was: or nothing that stands there would be looked at. */
    byte[] with(byte[] otherHeader) {
        boolean isAligned = (Long.BYTES + header.length) % ALIGNMENT == 0;
        int begin = Long.BYTES + otherHeader.length;
        int end = isAligned ? Math.ceilDiv(begin, ALIGNMENT) * ALIGNMENT : begin;
        byte[] padded = Arrays.copyOf(otherHeader, end - Long.BYTES);
        Arrays.fill(padded, otherHeader.length, padded.length, (byte) ' ');
        return file(padded.length, padded);
    }

    /** The file with a lie about the length of its header. */
    byte[] withLength(long length) {
        return file(length, header);
    }

    private byte[] file(long length, byte[] someHeader) {
        return ByteBuffer.allocate(Long.BYTES + someHeader.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(someHeader)
                .put(data)
                .array();
    }
}
