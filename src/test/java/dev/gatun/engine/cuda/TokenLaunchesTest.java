package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.gatun.checkpoint.Seeds;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** When operations are put off, and when they become graphs; without a device. */
class TokenLaunchesTest {
    private static final int KERNELS = 8;

    /** Operations of experts in a token that is drawn. */
    private static final int MOST_EXPERTS = 7;

    private final FakeRecorder recorder = new FakeRecorder();
    private final FakeTokens tokens = FakeTokens.withGraphs(recorder);
    private final FakeSequence sequence = new FakeSequence();

    @Test
    void tokensOfOneFormAreOneGraphThatReadsWhatTheDeviceHolds() {
        FakeTokens plain = FakeTokens.plain();
        for (int i = 0; i < 64; i++) {
            tokens.pass(1, 7 * i, sequence, i, 1);
            plain.pass(1, 7 * i, sequence, i, 1);
        }
        assertThat(tokens.results()).isEqualTo(plain.results()).doesNotHaveDuplicates();
        assertThat(tokens.noted()).isEqualTo(plain.noted());
        assertThat(recorder.made()).isOne();
        assertThat(recorder.launched()).isEqualTo(64);
        assertThat(recorder.plain()).isZero();
    }

    @Test
    void whatLiesBetweenTheHostsPartsIsAGraphEach() {
        FakeTokens shared = tokens.withHostParts();
        FakeTokens plain = FakeTokens.plain();
        requireTokensOfPlainLaunches(shared, plain);
        assertThat(shared.noted()).isEqualTo(plain.noted());
        assertThat(recorder.made())
                .as("three before a layer's experts, one behind them")
                .isEqualTo(4);
        assertThat(recorder.launched()).isEqualTo(4 * 64);
        assertThat(recorder.plain()).as("the host's parts").isEqualTo(3 * 64);
        shared.launches().forget(sequence);
        assertThat(recorder.open()).isZero();
    }

    @Test
    void whatFollowsIsLaunchedWhileTheHostComputes() {
        FakeTokens late = FakeTokens.withLateHost(recorder);
        FakeTokens plain = FakeTokens.plain();
        requireTokensOfPlainLaunches(late, plain);
        assertThat(recorder.made()).isEqualTo(4);
        assertThat(recorder.launched()).isEqualTo(4 * 64);
        late.embed(1, 1);
        late.attend(0, sequence, 2);
        late.experts(0);
        late.attend(1, sequence, 2);
        late.launches().addOnHost(() -> assertThat(recorder.launched()).isEqualTo(4 * 64 + 2));
        assertThat(recorder.isWaiting())
                .as("launches did not have the host end")
                .isTrue();
        late.launches().forget(sequence);
        assertThat(recorder.isWaiting()).isFalse();
        assertThat(recorder.open()).isZero();
    }

    /** 64 tokens of two forms. */
    private void requireTokensOfPlainLaunches(FakeTokens some, FakeTokens plain) {
        for (int i = 0; i < 64; i++) {
            int pieces = 1 + i / 40;
            some.pass(1, 7 * i, sequence, i, pieces);
            plain.pass(1, 7 * i, sequence, i, pieces);
        }
        assertThat(some.results()).isEqualTo(plain.results()).doesNotHaveDuplicates();
    }

    @Test
    void aTokenThatFailsInAHostsPartLeavesNothingBehind() {
        FakeTokens shared = tokens.withHostParts();
        shared.embed(1, 3);
        shared.attend(0, sequence, 1);
        assertThatIllegalStateException()
                .isThrownBy(() -> shared.launches().addOnHost(() -> {
                    throw new IllegalStateException("late");
                }));
        shared.pass(1, 9, sequence, 4, 1);
        FakeTokens plain = FakeTokens.plain();
        plain.embed(1, 3);
        plain.attend(0, sequence, 1);
        plain.pass(1, 9, sequence, 4, 1);
        assertThat(shared.results()).isEqualTo(plain.results());
    }

    @Test
    void anotherGridIsPutInPlaceOfTheOld() {
        tokens.pass(1, 5, sequence, 63, 1);
        tokens.pass(1, 5, sequence, 64, 2);
        tokens.pass(1, 5, sequence, 65, 2);
        assertThat(recorder.made()).isOne();
        assertThat(recorder.replaced()).isOne();
        assertThat(recorder.launched()).isEqualTo(3);
    }

    @Test
    void aGraphThatCannotBeReplacedIsClosedAndMadeAnew() {
        recorder.withReplacing(false);
        tokens.pass(1, 5, sequence, 63, 1);
        tokens.pass(1, 5, sequence, 64, 2);
        assertThat(recorder.made()).isEqualTo(2);
        assertThat(recorder.open()).isOne();
        assertThat(tokens.results()).hasSize(2);
    }

    @Test
    void otherOperationsAreAnotherGraph() {
        tokens.pass(1, 5, sequence, 3, 1);
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.head();
        FakeTokens plain = FakeTokens.plain();
        plain.pass(1, 5, sequence, 3, 1);
        plain.embed(1, 5);
        plain.attend(0, sequence, 1);
        plain.head();
        assertThat(tokens.results()).isEqualTo(plain.results());
        assertThat(recorder.made()).isEqualTo(2);
        assertThat(recorder.replaced()).isZero();
        assertThat(recorder.open()).isOne();
    }

    @Test
    void severalTokensAreLaunchedAtOnce() {
        tokens.embed(2, 5);
        assertThat(recorder.plain()).isOne();
        tokens.attend(0, sequence, 1);
        assertThat(recorder.plain()).isEqualTo(2);
        tokens.head();
        assertThat(recorder.made()).isZero();
    }

    @Test
    void whatIsAskedForAfterTheHeadIsLaunchedAtOnce() {
        tokens.pass(1, 5, sequence, 3, 1);
        tokens.experts(1);
        assertThat(recorder.plain()).isOne();
        tokens.head();
        assertThat(recorder.plain()).isEqualTo(2);
        assertThat(tokens.results()).hasSize(2);
    }

    @Test
    void aTokenWithoutAttentionIsLaunchedPlainly() {
        tokens.embed(1, 5);
        tokens.head();
        assertThat(recorder.made()).isZero();
        assertThat(tokens.results()).containsExactly(5);
    }

    @Test
    void aTokenThatIsNotFinishedLeavesNothing() {
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.experts(0);
        tokens.pass(1, 6, sequence, 3, 1);
        FakeTokens plain = FakeTokens.plain();
        plain.pass(1, 6, sequence, 3, 1);
        assertThat(tokens.results()).isEqualTo(plain.results());
        assertThat(tokens.noted()).isEqualTo(plain.noted());
        assertThat(recorder.plain()).isZero();
    }

    @Test
    void aFlushLaunchesWhatIsPendingInOrderAndTheRestAtOnce() {
        tokens.embed(1, 5);
        tokens.experts(0);
        assertThat(recorder.plain()).isZero();
        assertThat(tokens.noted()).isEmpty();
        tokens.launches().flush();
        assertThat(recorder.plain()).isEqualTo(2);
        assertThat(tokens.noted()).containsExactly(0);
        tokens.attend(1, sequence, 1);
        assertThat(recorder.plain()).isEqualTo(3);
        tokens.head();
        assertThat(recorder.made()).isZero();
    }

    @Test
    void aTokenOfTwoSequencesIsLaunchedPlainly() {
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.attend(1, new FakeSequence(), 1);
        assertThat(recorder.plain()).isEqualTo(3);
        tokens.head();
        assertThat(recorder.made()).isZero();
        assertThat(tokens.results()).hasSize(1);
    }

    @Test
    void aTokenAtTwoPlacesIsLaunchedPlainly() {
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.attend(1, sequence, 2);
        tokens.head();
        assertThat(recorder.made()).isZero();
        assertThat(recorder.plain()).isEqualTo(4);
    }

    @Test
    void aSequenceThatEndsTakesItsGraphAlong() {
        FakeSequence other = new FakeSequence();
        tokens.pass(1, 5, sequence, 3, 1);
        tokens.pass(1, 5, other, 3, 1);
        tokens.launches().forget(sequence);
        assertThat(recorder.open()).isOne();
        tokens.pass(1, 5, other, 4, 1);
        assertThat(recorder.made()).isEqualTo(2);
        tokens.launches().forget(sequence);
        assertThat(recorder.open()).isOne();
    }

    @Test
    void aSequenceThatEndsWithinItsTokenIsReadBefore() {
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.launches().forget(sequence);
        assertThat(recorder.plain()).isEqualTo(2);
        tokens.head();
        assertThat(recorder.made()).isZero();
        assertThat(tokens.results()).hasSize(1);
    }

    @Test
    void releaseAndCloseLeaveNoGraph() {
        tokens.pass(1, 5, sequence, 3, 1);
        tokens.launches().release();
        assertThat(recorder.open()).isZero();
        tokens.pass(1, 5, sequence, 4, 1);
        tokens.embed(1, 5);
        tokens.launches().close();
        assertThat(recorder.open()).isZero();
        assertThat(recorder.plain()).as("what was pending at the end").isZero();
    }

    @Test
    void whereThereIsNoMemoryForGraphsLaunchesArePlainUntilASequenceEnds() {
        recorder.withMemory(false);
        tokens.pass(1, 5, sequence, 3, 1);
        assertThat(recorder.plain()).isEqualTo(KERNELS);
        recorder.withMemory(true);
        tokens.pass(1, 5, sequence, 4, 1);
        assertThat(recorder.plain()).as("not tried for each token").isEqualTo(2 * KERNELS);
        tokens.launches().forget(new FakeSequence());
        tokens.pass(1, 5, sequence, 5, 1);
        assertThat(recorder.made()).isOne();
        assertThat(recorder.plain()).isEqualTo(2 * KERNELS);
        assertThat(tokens.results()).hasSize(3);
        assertThat(tokens.noted()).hasSize(9);
    }

    @Test
    void aLaunchThatFailsIsPassedOnAndIsNotPendingAnyMore() {
        tokens.embed(1, 5);
        tokens.attend(0, sequence, 1);
        tokens.launches().add(new TokenStep.Route(0), () -> {
            throw new IllegalStateException("no");
        });
        tokens.experts(0);
        assertThatIllegalStateException().isThrownBy(tokens::head).withMessage("no");
        assertThat(tokens.noted()).as("nothing of it was launched").isEmpty();
        assertThat(recorder.open()).isZero();
        tokens.launches().flush();
        tokens.pass(1, 6, sequence, 3, 1);
        assertThat(recorder.plain()).isZero();
        assertThat(tokens.results()).hasSize(1);
    }

    @Test
    void moreSequencesThanPlacesMakeNoGraphForEachToken() {
        List<FakeSequence> many =
                Stream.generate(FakeSequence::new).limit(TokenGraphs.MOST + 1).toList();
        for (int round = 0; round < 10; round++) {
            for (FakeSequence one : many) {
                tokens.pass(1, round, one, round, 1);
            }
        }
        assertThat(recorder.made()).isEqualTo(TokenGraphs.MOST);
        assertThat(recorder.launched()).isEqualTo(10 * TokenGraphs.MOST);
        assertThat(recorder.plain()).isEqualTo(10 * KERNELS);
    }

    @Test
    void aSequenceThatIsIdleGivesItsPlaceAway() {
        List<FakeSequence> many =
                Stream.generate(FakeSequence::new).limit(TokenGraphs.MOST).toList();
        many.forEach(one -> tokens.pass(1, 5, one, 3, 1));
        for (int i = 0; i < TokenGraphs.IDLE + 2; i++) {
            tokens.pass(1, i, sequence, i, 1);
        }
        assertThat(recorder.open()).isEqualTo(TokenGraphs.MOST);
        assertThat(recorder.made()).isEqualTo(TokenGraphs.MOST + 1);
        int before = recorder.plain();
        tokens.pass(1, 5, sequence, 3, 1);
        tokens.pass(1, 5, many.getLast(), 3, 1);
        assertThat(recorder.plain()).isEqualTo(before);
        assertThat(recorder.made()).isEqualTo(TokenGraphs.MOST + 1);
    }

    @Test
    void whateverIsAskedForTheResultsAreThoseOfPlainLaunches() {
        requireResultsOfPlainLaunches(tokens, 1);
    }

    @Test
    void whateverIsAskedForTheDeviceNeverWaitsForAHostThatWaits() {
        requireResultsOfPlainLaunches(FakeTokens.withLateHost(recorder), MOST_EXPERTS + 1);
    }

    private void requireResultsOfPlainLaunches(FakeTokens model, int segments) {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        FakeTokens plain = FakeTokens.plain();
        List<FakeSequence> sequences =
                Stream.generate(FakeSequence::new).limit(TokenGraphs.MOST + 3).toList();
        for (int i = 0; i < 2000; i++) {
            long step = random.nextLong();
            doAnything(model, sequences, new SplittableRandom(step));
            doAnything(plain, sequences, new SplittableRandom(step));
            assertThat(recorder.open()).as(Seeds.hint(seed)).isLessThanOrEqualTo(segments * TokenGraphs.MOST);
            recorder.withReplacing(random.nextInt(4) > 0).withMemory(random.nextInt(16) > 0);
        }
        assertThat(model.results()).as(Seeds.hint(seed)).isEqualTo(plain.results());
        assertThat(recorder.launched()).isPositive();
        model.launches().close();
        assertThat(recorder.open()).isZero();
    }

    private static void doAnything(FakeTokens tokens, List<FakeSequence> sequences, SplittableRandom random) {
        FakeSequence one = sequences.get(random.nextInt(sequences.size()));
        int id = random.nextInt();
        int position = random.nextInt(200);
        switch (random.nextInt(24)) {
            case 0 -> tokens.launches().forget(one);
            case 1 -> tokens.launches().release();
            case 2 -> tokens.embed(random.nextInt(1, 3), id);
            case 3 -> tokens.pass(random.nextInt(2, 9), id, one, position, 1 + position / 64);
            case 4 -> {
                tokens.embed(1, id);
                tokens.place(position);
                for (int i = random.nextInt(MOST_EXPERTS + 1); i > 0; i--) {
                    tokens.attend(random.nextInt(3), sequences.get(random.nextInt(2)), random.nextInt(3));
                    tokens.experts(random.nextInt(3));
                }
                tokens.head();
            }
            default -> tokens.pass(1, id, one, position, 1 + position / 64);
        }
    }
}
