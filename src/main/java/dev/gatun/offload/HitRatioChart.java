package dev.gatun.offload;

import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/** Hit-ratio curves as a self-contained HTML page with one SVG picture; opens anywhere, asks for nothing. */
public final class HitRatioChart {
    private static final int LEFT = 60;
    private static final int TOP = 30;
    private static final int WIDTH = 560;
    private static final int HEIGHT = 360;
    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555", "#e69f00");

    /**
     * One curve.
     *
     * @param label what it is of
     * @param dashed how the line is drawn
     * @param colour which colour, from 0; curves that belong together share one
     * @param ratios for 1 slot per layer and on
     */
    public record Curve(String label, boolean dashed, int colour, List<Double> ratios) {
        public Curve {
            ratios = List.copyOf(ratios);
        }
    }

    private final StringBuilder page = new StringBuilder();
    private final Formatter out = new Formatter(page, Locale.ROOT);
    private final int sizes;

    private HitRatioChart(int sizes) {
        this.sizes = sizes;
    }

    /**
     * Draws a page.
     *
     * @param title one line above the picture
     * @param curves all of the same length
     */
    public static String page(String title, List<Curve> curves) {
        HitRatioChart chart = new HitRatioChart(curves.getFirst().ratios().size());
        chart.begin(title);
        chart.axes();
        for (int i = 0; i < curves.size(); i++) {
            chart.curve(curves.get(i), i);
        }
        return chart.page.append("</svg></body></html>\n").toString();
    }

    private void begin(String title) {
        String text = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        out.format("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head>%n", text);
        out.format(
                "<body style=\"font-family:sans-serif;background:#fff;color:#222\"><h1 style=\"font-size:1.1em\">%s</h1>%n",
                text);
        out.format("<svg viewBox=\"0 0 820 450\" width=\"820\" height=\"450\" font-size=\"13\" fill=\"#222\">%n");
    }

    private void axes() {
        for (int tenth = 0; tenth <= 10; tenth += 2) {
            double y = y(tenth / 10.0);
            out.format("<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/>", LEFT, y, WIDTH);
            out.format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f</text>%n", LEFT - 8, y + 4, tenth / 10.0);
        }
        int step = Math.ceilDiv(sizes, 16);
        for (int slots = step; slots <= sizes; slots += step) {
            out.format(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n", x(slots), TOP + HEIGHT + 20, slots);
        }
        out.format(
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">slots per layer</text>%n",
                LEFT + WIDTH / 2, TOP + HEIGHT + 45);
        out.format("<text x=\"%d\" y=\"%d\">hit ratio</text>%n", LEFT - 35, TOP - 12);
    }

    private void curve(Curve curve, int row) {
        String colour = COLOURS.get(curve.colour() % COLOURS.size());
        String dashes = curve.dashed() ? " stroke-dasharray=\"6 4\"" : "";
        out.format("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", colour, dashes);
        for (int slots = 1; slots <= sizes; slots++) {
            out.format("%.1f,%.1f ", x(slots), y(curve.ratios().get(slots - 1)));
        }
        double y = TOP + 10 + 22.0 * row;
        int x = LEFT + WIDTH + 20;
        out.format("\"/>%n<path d=\"M%d %.1fh28\" stroke=\"%s\" stroke-width=\"2\"%s/>", x, y, colour, dashes);
        out.format("<text x=\"%d\" y=\"%.1f\">%s</text>%n", x + 36, y + 4, curve.label());
    }

    private double x(int slots) {
        return LEFT + (double) WIDTH * slots / sizes;
    }

    private double y(double ratio) {
        return TOP + HEIGHT * (1 - ratio);
    }
}
