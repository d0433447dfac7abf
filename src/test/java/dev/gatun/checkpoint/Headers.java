package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Changes good safetensors files. */
final class Headers {
    private Headers() {}

    /** Rewrites the header, which must change; the data stays. */
    static void edit(Path file, UnaryOperator<String> change) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        String changed = change.apply(header(bytes));
        assertThat(changed).isNotEqualTo(header(bytes));
        SafetensorsWriter.write(file, changed, Arrays.copyOfRange(bytes, dataBegin(bytes), bytes.length));
    }

    /** Replaces the first two bytes of a tensor. */
    static void overwrite(Path file, String tensor, short value) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Matcher offset = Pattern.compile(Pattern.quote("\"" + tensor + "\":") + "\\{[^}]*\"data_offsets\":\\[(\\d+),")
                .matcher(header(bytes));
        assertThat(offset.find()).isTrue();
        ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(dataBegin(bytes) + Integer.parseInt(offset.group(1)), value);
        Files.write(file, bytes);
    }

    private static String header(byte[] bytes) {
        return new String(bytes, Long.BYTES, dataBegin(bytes) - Long.BYTES, StandardCharsets.UTF_8);
    }

    private static int dataBegin(byte[] bytes) {
        return Math.toIntExact(Long.BYTES
                + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong());
    }
}
