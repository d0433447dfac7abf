package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;

class ChunkChoicesTest {
    private static final int MOST_TOKENS = 40;
    private static final int SEQUENCE = 9;

    private final long seed = Seeds.next();
    private final Random random = new Random(seed);
    private final int topK = 1 + random.nextInt(4);
    private final int experts = topK + random.nextInt(20);
    private final MemorySegment memory = Arena.ofAuto().allocate((long) MOST_TOKENS * Long.BYTES, Long.BYTES);
    private final ChunkChoices choices = new ChunkChoices(MOST_TOKENS, experts, topK);

    /** What some tokens choose, [tokens][topK], as their routers publish it. */
    private int[][] take() {
        int tokens = 1 + random.nextInt(MOST_TOKENS);
        int[][] ids = new int[tokens][];
        for (int token = 0; token < tokens; token++) {
            ids[token] = random.ints(0, experts).distinct().limit(topK).toArray();
            long word = SEQUENCE;
            for (int rank = 0; rank < topK; rank++) {
                word |= (long) ids[token][rank] << (8 + 7 * rank);
            }
            memory.setAtIndex(ValueLayout.JAVA_LONG, token, word);
        }
        choices.take(new ChoiceWords(memory, MOST_TOKENS, topK), 0, tokens);
        return ids;
    }

    /** Chunk after chunk: nothing is left of the one before. */
    @RepeatedTest(50)
    void rowsAreThoseOfSortedChoices() {
        for (int chunk = 0; chunk < 3; chunk++) {
            int[][] ids = take();
            int[] sorted =
                    Arrays.stream(ids).flatMapToInt(Arrays::stream).sorted().toArray();
            assertThat(choices.tokens()).isEqualTo(ids.length);
            for (int expert = 0; expert < experts; expert++) {
                int e = expert;
                assertThat(choices.tokens(expert)).as(Seeds.hint(seed)).isEqualTo((int)
                        IntStream.of(sorted).filter(id -> id == e).count());
                assertThat(choices.firstRow(expert)).isEqualTo((int)
                        IntStream.of(sorted).filter(id -> id < e).count());
                for (int token = 0; token < ids.length; token++) {
                    int rank = choices.rank(token, expert);
                    int[] chosen = ids[token];
                    assertThat(rank)
                            .isEqualTo(IntStream.range(0, topK)
                                    .filter(r -> chosen[r] == e)
                                    .findFirst()
                                    .orElse(-1));
                }
            }
            assertThat(chosen()).containsExactly(IntStream.of(sorted).distinct().toArray());
        }
    }

    private int[] chosen() {
        return IntStream.of(choices.experts()).limit(choices.count()).sorted().toArray();
    }

    @RepeatedTest(50)
    void whatIsTakenOffIsNoLongerChosenButKnown() {
        int[][] ids = take();
        int[] before = chosen();
        int[] off = IntStream.of(before).filter(expert -> random.nextBoolean()).toArray();
        int[] tokens = IntStream.of(off).map(choices::tokens).toArray();
        int[] rows = IntStream.of(off).map(choices::firstRow).toArray();
        // What lies behind the number means nothing.
        int[] longer = Arrays.copyOf(off, off.length + 1);
        longer[off.length] = before[0];
        choices.without(longer, off.length);
        assertThat(chosen())
                .as(Seeds.hint(seed))
                .containsExactly(IntStream.of(before)
                        .filter(expert -> IntStream.of(off).noneMatch(other -> other == expert))
                        .toArray());
        assertThat(IntStream.of(off).map(choices::tokens).toArray()).isEqualTo(tokens);
        assertThat(IntStream.of(off).map(choices::firstRow).toArray()).isEqualTo(rows);
        assertThat(choices.tokens()).isEqualTo(ids.length);
    }
}
