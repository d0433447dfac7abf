package dev.gatun.engine.cpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * The calibration text for those who give none: 40 excerpts of English fiction in the public domain, 331 KB, about 100,000
 * tokens of a small vocabulary.
 */
public final class DefaultCalibration {
    private DefaultCalibration() {}

    /** The text. */
    public static String text() {
        try (InputStream text = DefaultCalibration.class.getResourceAsStream("calibration.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
