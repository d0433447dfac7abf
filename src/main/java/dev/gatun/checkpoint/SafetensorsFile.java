package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A safetensors file, mapped read-only: 8 bytes little-endian header length, a JSON header, the data.
 *
 * <p>Whoever owns the arena unmaps the file by closing it; the file must not be changed or cut short until then.
 *
 * @param path the file
 * @param bytes its size
 * @param metadata the strings of {@code __metadata__}
 * @param tensors by name, in the order of their data, which they cover without gap or overlap
 */
public record SafetensorsFile(
        Path path, long bytes, Map<String, String> metadata, SequencedMap<String, Tensor> tensors) {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long LONGEST_HEADER = 100_000_000;

    public SafetensorsFile {
        metadata = Map.copyOf(metadata);
        tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    }

    /**
     * Maps a file into an arena and checks its header.
     *
     * @throws CheckpointException if the file cannot be read, or is not a whole and well-formed safetensors file
     */
    public static SafetensorsFile map(Path path, Arena arena) {
        MemorySegment file = mapBytes(path, arena);
        long headerBytes = headerBytes(path, file);
        long dataBegin = Long.BYTES + headerBytes;
        String json = TextFiles.decode(
                path, "its header", file.asSlice(Long.BYTES, headerBytes).asByteBuffer());
        MemorySegment data = file.asSlice(dataBegin);
        SafetensorsHeader header = SafetensorsHeaderParser.parse(path, json, data.byteSize());
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        for (SafetensorsHeader.Entry entry : header.entries()) {
            MemorySegment values = data.asSlice(entry.begin(), entry.end() - entry.begin());
            tensors.put(entry.name(), new Tensor(entry.name(), entry.type(), entry.shape(), values));
        }
        return new SafetensorsFile(path, file.byteSize(), header.metadata(), tensors);
    }

    /** Where the data begins in the file; that of each tensor follows that of the one before. */
    public long dataOffset() {
        return bytes
                - tensors.values().stream()
                        .mapToLong(tensor -> tensor.data().byteSize())
                        .sum();
    }

    private static MemorySegment mapBytes(Path path, Arena arena) {
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(Quoted.of(path) + ": no such file; download it");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < Long.BYTES) {
                throw broken(path, "has " + size + " bytes, too few for a safetensors file");
            }
            MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            // A page behind the end of a file that has shrunk meanwhile would be a SIGBUS in native code.
            if (channel.size() != size) {
                throw new CheckpointException(Quoted.of(path)
                        + ": its size changes while it is read; wait until the download or copy is finished");
            }
            return file;
        } catch (IOException problem) {
            throw TextFiles.unreadable(path, problem);
        }
    }

    private static long headerBytes(Path path, MemorySegment file) {
        long length = file.get(LENGTH, 0);
        if (length < 0 || length > LONGEST_HEADER) {
            throw broken(
                    path,
                    "has a header of " + Long.toUnsignedString(length) + " bytes; at most " + LONGEST_HEADER
                            + " are allowed");
        }
        if (length > file.byteSize() - Long.BYTES) {
            throw broken(
                    path,
                    "has a header of " + length + " bytes, but only " + (file.byteSize() - Long.BYTES)
                            + " follow: it is cut short, or no safetensors file");
        }
        return length;
    }

    private static CheckpointException broken(Path path, String what) {
        return new CheckpointException(Quoted.of(path) + ": " + what + "; download the file again");
    }
}
