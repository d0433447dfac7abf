package dev.gatun.cli;

import dev.gatun.GatunException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Texts that a command is given, which must be UTF-8. */
final class Utf8Text {
    private Utf8Text() {}

    /**
     * A file's text.
     *
     * @param what it is, for messages
     * @throws GatunException if it cannot be read or is not UTF-8
     */
    static String of(String what, Path file) {
        try {
            return utf8(what, "`" + file + "`", Files.readAllBytes(file));
        } catch (IOException unreadable) {
            throw new GatunException(what + ": `" + file + "` cannot be read: " + reason(unreadable), unreadable);
        }
    }

    private static String reason(IOException failure) {
        return switch (failure) {
            case java.nio.file.NoSuchFileException none -> "there is no such file";
            case java.nio.file.AccessDeniedException denied -> "permission denied";
            default -> failure.getMessage();
        };
    }

    /**
     * What standard input has up to its end.
     *
     * @param what it is, for messages
     * @throws GatunException if it cannot be read or is not UTF-8
     */
    static String of(String what, InputStream in) {
        try {
            return utf8(what, "standard input", in.readAllBytes());
        } catch (IOException unreadable) {
            throw new GatunException(what + ": standard input cannot be read: " + unreadable.getMessage(), unreadable);
        }
    }

    private static String utf8(String what, String source, byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException otherwise) {
            throw new GatunException(
                    what + ": " + source + " is not UTF-8; convert it, for example with iconv", otherwise);
        }
    }
}
