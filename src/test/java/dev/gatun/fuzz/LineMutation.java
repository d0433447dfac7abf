package dev.gatun.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** Damage to a file of lines: one of them, or which there are. */
final class LineMutation implements Mutation {
    private final Mutation line;

    LineMutation(Mutation line) {
        this.line = line;
    }

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        List<String> lines = new ArrayList<>(
                new String(bytes, StandardCharsets.UTF_8).lines().toList());
        if (lines.isEmpty()) {
            return bytes;
        }
        int at = random.nextInt(3) == 0 ? 0 : random.nextInt(lines.size());
        switch (random.nextInt(8)) {
            case 0 -> lines.remove(at);
            case 1 -> lines.add(random.nextInt(lines.size() + 1), lines.get(at));
            case 2 -> Collections.swap(lines, at, random.nextInt(lines.size()));
            case 3 -> lines.add(at, "");
            default -> {
                byte[] changed = line.apply(lines.get(at).getBytes(StandardCharsets.UTF_8), random);
                lines.set(at, new String(changed, StandardCharsets.UTF_8));
            }
        }
        return (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
