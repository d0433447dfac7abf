package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.offload.HostMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The protocol of {@link HandOff}, with delays at every step of the device, of the host, and of the threads that compute there.
 * The memory is the host's own, so what is tested is the order of the steps.
 */
class HandOffTest {
    private static final int ROUNDS = 40;
    private static final int CHUNKS = 6;

    @Test
    void everyLayerIsComputedFromItsOwnInputsHoweverLateEachStepIs() {
        run(ROUNDS, 0);
    }

    /** How often the host's threads fail, or what the device is asked for while they compute. */
    @ParameterizedTest
    @ValueSource(doubles = {0.02, 0.2})
    void aFailureLeavesNothingToTheNextChunk(double failing) {
        run(ROUNDS / 2, failing);
    }

    private static void run(int rounds, double failing) {
        for (int round = 0; round < rounds; round++) {
            HostMode mode = round % 2 == 0 ? HostMode.INCLUSIVE : HostMode.EXCLUSIVE;
            try (HandOffRun run = new HandOffRun(Seeds.next(), mode, failing)) {
                run.check(CHUNKS);
            }
        }
    }

    /** Or one that published for some of the tokens only. */
    @Test
    void aRouterThatPublishesNothingIsNotWaitedForForever() {
        int tokens = 3;
        for (int published = 0; published < tokens; published++) {
            MemorySegment words = Arena.ofAuto().allocate((long) tokens * Long.BYTES, Long.BYTES);
            for (int token = tokens - published; token < tokens; token++) {
                words.setAtIndex(ValueLayout.JAVA_LONG, token, 9);
            }
            AtomicInteger seen = new AtomicInteger();
            ChoiceWait wait = new ChoiceWait(new ChoiceWords(words, tokens, 1), () -> true, seen::set, 4);
            assertThatThrownBy(() -> wait.await(0, tokens, 9))
                    .isInstanceOf(BackendFailureException.class)
                    .hasMessage("the router of layer 0 published no choice");
            assertThat(seen).as("what is done meanwhile is told the chunk").hasValue(9);
        }
    }

    /** The stream may become idle between two looks at it and at the words. */
    @Test
    void aRouterThatPublishesAtTheLastMomentIsHeard() {
        MemorySegment words = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);
        for (int round = 0; round < ROUNDS; round++) {
            int sequence = round + 1;
            SplittableRandom random = new SplittableRandom(round);
            ChoiceWords choices = new ChoiceWords(words, 1, 1);
            try (LateStream device = new LateStream(random)) {
                device.put(() -> words.set(ValueLayout.JAVA_LONG, 0, sequence));
                new ChoiceWait(choices, () -> isIdleNow(device), ignored -> {}, 1).await(0, 1, sequence);
            }
            assertThat(choices.isThere(0, 1, sequence)).isTrue();
        }
    }

    /** Looks at the stream when its work has ended, which the words were not asked after. */
    private static boolean isIdleNow(LateStream device) {
        device.drain();
        return device.isIdle();
    }
}
