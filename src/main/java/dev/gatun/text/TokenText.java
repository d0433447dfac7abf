package dev.gatun.text;

/** What one token contributes to the decoded text. */
sealed interface TokenText {
    /** Text as it stands. */
    record Characters(String text) implements TokenText {}

    /** One byte of UTF-8, to be read together with the byte tokens beside it. */
    record SingleByte(byte value) implements TokenText {}
}
