package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.FetchRun.Step;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExpertFetcherTest {
    private static final int SEEDS = Integer.getInteger("seeds", 2000);

    private static FetchRun run(long seed, double failing, double refusing) {
        Random random = new Random(seed);
        int layers = 1 + random.nextInt(4);
        int topK = 1 + random.nextInt(3);
        int experts = topK + random.nextInt(4);
        FetchSetting setting = FetchSetting.random(random, layers, experts, topK);
        FetchRun run = new FetchRun(setting, random, failing, refusing);
        List<Step> script = FetchRun.script(random, setting.shape(), topK, 12);
        try {
            assertThat(run.run(script)).isEqualTo(FetchRun.expected(script, setting));
        } catch (Throwable thrown) {
            throw new AssertionError("seed " + seed + ", " + setting, thrown);
        }
        return run;
    }

    @Test
    void whatIsComputedNeverDependsOnTheCache() {
        long[] seen = new long[15];
        for (long seed = 0; seed < SEEDS; seed++) {
            FetchRun run = run(seed, 0, 0);
            FetchCounts counts = run.fetcher().counts();
            assertThat(counts.bytesUp()).as("seed %d", seed).isEqualTo(run.bytes(FakeWork.Kind.UPLOAD));
            assertThat(counts.bytesDown()).as("seed %d", seed).isEqualTo(run.bytes(FakeWork.Kind.DOWNLOAD));
            assertThat(counts.prefetchesUsed() + counts.prefetchesCancelled())
                    .as("seed %d", seed)
                    .isLessThanOrEqualTo(counts.prefetchesBegun());
            RoadCounts roads = counts.roads();
            assertThat(roads.fetched() + roads.split() + roads.computed() - run.leftOut())
                    .as("seed %d", seed)
                    .isEqualTo(counts.misses() + counts.streamed());
            add(seen, counts);
        }
        assertThat(seen).as("all of it happens in some run").doesNotContain(0);
    }

    private static void add(long[] seen, FetchCounts counts) {
        long[] values = {
            counts.hits(),
            counts.waits(),
            counts.misses(),
            counts.streamed(),
            counts.bytesDown(),
            counts.prefetchesFinished(),
            counts.prefetchesUsed(),
            counts.prefetchesCancelled(),
            counts.bytesWasted(),
            counts.roads().fetched(),
            counts.roads().split(),
            counts.roads().computed(),
            counts.roads().bytesComputed(),
            counts.roads().computingNanos(),
            counts.roads().waitedNanos()
        };
        Arrays.setAll(seen, i -> seen[i] + values[i]);
    }

    @Test
    void afterAFailureTheNextFetchIsRight() {
        long resets = 0;
        for (long seed = 0; seed < SEEDS; seed++) {
            resets += run(seed, 0.01, 0).resets();
            resets += run(seed, 0, 0.01).resets();
            resets += run(seed, 0.02, 0.02).resets();
        }
        assertThat(resets).isGreaterThan(SEEDS);
    }
}
