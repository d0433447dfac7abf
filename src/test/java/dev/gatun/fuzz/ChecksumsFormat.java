package dev.gatun.fuzz;

import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.Verification;
import java.io.IOException;
import java.nio.file.Path;

/** The checksums of a model in Gatun's own format, which is then verified. */
record ChecksumsFormat() implements Format {
    @Override
    public String name() {
        return "checksums";
    }

    @Override
    public void write(Path folder, long seed) throws IOException {
        SmallModel.TILES.write(folder, seed);
    }

    @Override
    public boolean damages(String file) {
        return file.equals("SHA256SUMS");
    }

    @Override
    public Mutation damage(String file) {
        return Mutation.oneOf(new ByteMutation(), new LineMutation(new ByteMutation()));
    }

    @Override
    public void use(Path folder) {
        Verification.of(folder).run((bytes, all) -> {});
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof CheckpointException;
    }
}
