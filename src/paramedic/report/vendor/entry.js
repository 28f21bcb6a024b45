// The parts of Apache ECharts that the report draws with. Rebuild: see README.md.
import * as echarts from "echarts/core";
import { LineChart, BarChart, HeatmapChart, CustomChart } from "echarts/charts";
import { GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, VisualMapComponent, MarkLineComponent, AriaComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
echarts.use([LineChart, BarChart, HeatmapChart, CustomChart, GridComponent, TooltipComponent, LegendComponent, DataZoomComponent, VisualMapComponent, MarkLineComponent, AriaComponent, CanvasRenderer]);
window.echarts = echarts;
