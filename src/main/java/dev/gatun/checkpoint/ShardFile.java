package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Writes a safetensors file whose data begins at a multiple of 4096 bytes. */
final class ShardFile {
    /** A piece that is hashed and written at once; a buffer cannot hold 2 GiB. */
    private static final long PIECE = 64L << 20;

    private ShardFile() {}

    /**
     * Writes a file, whole or not at all.
     *
     * @param tensors in the order of their data
     * @return the SHA-256 of the file in hexadecimal digits
     */
    static String write(Path file, Map<String, String> metadata, List<NamedTensor> tensors) throws IOException {
        try (DurableFile begun = DurableFile.begin(file)) {
            begun.append(header(metadata, tensors));
            for (NamedTensor tensor : tensors) {
                append(begun, tensor.data());
            }
            return begun.finish();
        }
    }

    private static void append(DurableFile file, MemorySegment data) throws IOException {
        for (long at = 0; at < data.byteSize(); at += PIECE) {
            file.append(data.asSlice(at, Math.min(PIECE, data.byteSize() - at)).asByteBuffer());
        }
    }

    /** The length and the header, with spaces behind it as the format allows. */
    private static ByteBuffer header(Map<String, String> metadata, List<NamedTensor> tensors) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("__metadata__", metadata);
        long at = 0;
        for (NamedTensor tensor : tensors) {
            long end = at + tensor.data().byteSize();
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("dtype", tensor.type().name());
            entry.put("shape", tensor.shape());
            entry.put("data_offsets", List.of(at, end));
            if (fields.put(tensor.name(), entry) != null) {
                throw new IllegalArgumentException("two tensors are called " + tensor.name());
            }
            at = end;
        }
        byte[] json = JsonMapper.shared().writeValueAsString(fields).getBytes(StandardCharsets.UTF_8);
        int whole = Math.ceilDiv(Long.BYTES + json.length, ExpertBlock.ALIGNMENT) * ExpertBlock.ALIGNMENT;
        ByteBuffer buffer = ByteBuffer.allocate(whole)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(whole - Long.BYTES)
                .put(json);
        while (buffer.hasRemaining()) {
            buffer.put((byte) ' ');
        }
        return buffer.flip();
    }
}
