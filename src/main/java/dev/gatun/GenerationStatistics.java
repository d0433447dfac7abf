package dev.gatun;

import java.time.Duration;
import java.util.Optional;

/**
 * What a generation cost.
 *
 * @param promptTokens tokens processed before the first one was chosen: the new ones of the prompt, and the last one that
 *     the session held
 * @param promptTime from the call to the first chosen token, or to the end where there was none
 * @param generatedTokens tokens chosen
 * @param decodeTime from the first chosen token to the last
 * @param timeToFirstToken from the call to the first chosen token; zero when there was none
 * @param promptOffload what fetching experts cost until the first token was chosen; empty where the backend fetches none
 * @param decodeOffload likewise for the tokens after it; also empty when there was none
 */
public record GenerationStatistics(
        int promptTokens,
        Duration promptTime,
        int generatedTokens,
        Duration decodeTime,
        Duration timeToFirstToken,
        Optional<OffloadStatistics> promptOffload,
        Optional<OffloadStatistics> decodeOffload) {
    /** Prompt tokens a second; 0 when there were none. */
    public double promptRate() {
        return rate(promptTokens, promptTime);
    }

    /** Tokens a second after the first; 0 when there was no second one. */
    public double decodeRate() {
        return rate(generatedTokens - 1, decodeTime);
    }

    private static double rate(int tokens, Duration time) {
        return tokens <= 0 || time.isZero() ? 0 : tokens * 1e9 / time.toNanos();
    }
}
