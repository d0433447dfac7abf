package dev.gatun.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Writes safetensors files for tests, good ones and, with a header of one's own, bad ones. */
public final class SafetensorsWriter {
    private final List<String> entries = new ArrayList<>();
    private final List<byte[]> data = new ArrayList<>();
    private long bytes;

    /** Adds a tensor; the name must need no escapes in JSON. */
    public SafetensorsWriter add(String name, TensorType type, List<Integer> shape, byte[] values) {
        String dimensions = shape.stream().map(String::valueOf).collect(Collectors.joining(","));
        entries.add("\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                .formatted(name, type, dimensions, bytes, bytes + values.length));
        data.add(values);
        bytes += values.length;
        return this;
    }

    /** Writes what was added. */
    public void write(Path file) {
        ByteBuffer values = ByteBuffer.allocate(Math.toIntExact(bytes));
        data.forEach(values::put);
        write(
                file,
                "{\"__metadata__\":{\"format\":\"pt\"}"
                        + entries.stream().map(entry -> "," + entry).collect(Collectors.joining()) + "}",
                values.array());
    }

    /** Writes a file with this header, whatever it says, and this data. */
    public static void write(Path file, String header, byte[] values) {
        write(file, header.getBytes(StandardCharsets.UTF_8), values);
    }

    /** Writes a file with these bytes as its header. */
    public static void write(Path file, byte[] header, byte[] values) {
        write(file, header.length, header, values);
    }

    /** Writes a file that claims a header of this length. */
    public static void write(Path file, long headerLength, byte[] header, byte[] values) {
        ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + header.length + values.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerLength)
                .put(header)
                .put(values);
        try {
            Files.write(file, buffer.array());
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }
}
