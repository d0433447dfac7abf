package dev.gatun.fuzz;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Tells a refusal as it should be from everything else that is thrown. */
record Verdict(DamagedFiles files) {
    private static final int LONGEST_MESSAGE = 2_000;
    private static final int LONGEST_TRACE = 4_000;

    Outcome of(Throwable thrown) {
        String complaint = complaint(thrown);
        return complaint.isEmpty()
                ? new Outcome.Refused(thrown.getMessage())
                : new Outcome.Failed(complaint + "\n" + trace(thrown));
    }

    /** What is wrong with it; nothing if it is a good refusal. */
    private String complaint(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof VirtualMachineError) {
                return "out of memory or stack";
            }
        }
        if (!files.format().isRefusal(thrown)) {
            return "no documented exception";
        }
        String message = String.valueOf(thrown.getMessage());
        if (message.length() > LONGEST_MESSAGE) {
            return "a message of " + message.length() + " characters";
        }
        if (!message.codePoints().allMatch(Verdict::isVisible)) {
            return "a message that breaks its line or hides characters";
        }
        String named = files.format().named(files.folder());
        return message.contains(named) ? "" : "a message that does not name `" + named + "`";
    }

    private static boolean isVisible(int point) {
        return switch (Character.getType(point)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString()
                .substring(0, Math.min(LONGEST_TRACE, text.getBuffer().length()));
    }
}
