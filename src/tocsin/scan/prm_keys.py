"""Every setting of a SaTScan 10.3 parameter file: read, allowed at one value, or without effect on clusters. Pure."""

from typing import Final

_READ = """
    CaseFile ControlFile PopulationFile CoordinatesFile GridFile UseGridFile NeighborsFilename UseNeighborsFile
    UseAdjustmentsByRRFile AdjustmentsByKnownRelativeRisksFilename PrecisionCaseTimes StartDate EndDate CoordinatesType
    GeographicalCoordinatesCheckType StudyPeriodCheckType AnalysisType ModelType ScanAreas TimeAggregationUnits
    TimeAggregationLength MultipleDataSetsPurposeType MaxSpatialSizeInPopulationAtRisk UseDistanceFromCenterOption
    MaxSpatialSizeInDistanceFromCenter IncludePurelyTemporal SpatialWindowShapeType NonCompactnessPenalty EllipseShapes
    EllipseAngles MinimumTemporalClusterSize MaxTemporalSizeInterpretation MaxTemporalSize IncludePurelySpatial
    IncludeClusters IntervalStartRange IntervalEndRange RiskLimitHighClusters RiskThresholdHighClusters
    RiskLimitLowClusters RiskThresholdLowClusters MinimumCasesInLowRateClusters MinimumCasesInHighRateClusters
    TimeTrendAdjustmentType TimeTrendPercentage AdjustForWeeklyTrends SpatialAdjustmentType PValueReportType
    EarlyTerminationThreshold MonteCarloReps AdjustForEarlierAnalyses ProspectiveStartDate IterativeScan
    IterativeScanMaxIterations IterativeScanMaxPValue ProspectiveFrequencyType ProspectiveFrequency
    CriteriaForReportingSecondaryClusters UseReportOnlySmallerClusters MaxSpatialSizeInPopulationAtRisk_Reported
    UseDistanceFromCenterOption_Reported MaxSpatialSizeInDistanceFromCenter_Reported
"""
READ: Final = frozenset(_READ.split())

ONLY: Final = {  # setting: the one value that is supported (as when it is absent)
    "UseMaxCirclePopulationFileOption": "n",
    "UseMaxCirclePopulationFileOption_Reported": "n",
    "UseLocationsNetworkFile": "n",
    "UseMetaLocationsFile": "n",
    "MultipleCoordinatesType": "0",
    "MultipleLocationsFile": "",
    "IsotonicScan": "0",
    "TimeStratifiedAdjLength": "1",
    "ReportGiniClusters": "n",
    "ReportHierarchicalClusters": "y",
    "CalculateOliveira": "n",
    "PerformPowerEvaluation": "n",
    "PerformStandardDrilldown": "n",
    "PerformBernoulliDrilldown": "n",
    "SimulatedDataMethodType": "0",
}

HINTS: Final = {  # what to use instead
    "UseLocationsNetworkFile": "tocsin scan --network FILE",
    "UseMetaLocationsFile": "a neighbours file",
    "ReportGiniClusters": "several --max-size",
    "PerformStandardDrilldown": "a scan of the cluster's own data",
}

# on clusters: output, mail, machine; or of a setting above that is off
_NO_EFFECT = """
    AlternativeHypothesisFilename CensusAreasReportedClustersASCII CensusAreasReportedClustersDBase CompressKMLtoKMZ
    CriticalValue CriticalValue001 CriticalValue01 CriticalValue05 CriticalValueType CustomEmail CustomEmailMessageBody
    CustomEmailSubjectLine CutoffClusterLinelistCSV DrilldownClusterCutoff DrilldownMinimumClusterCases
    DrilldownMinimumClusterLocations EmailAlwaysRecipients EmailAlwaysSummary EmailAttachResults EmailCutoffRecipients
    EmailCutoffSummary EmailCutoffValue EmailIncludeResults ExecutionType GiniIndexClusterReportingType
    GiniIndexClustersPValueCutOff IncludeClusterLocationsKML IncludeRelativeRisksCensusAreasASCII
    IncludeRelativeRisksCensusAreasDBase LaunchMapViewer LineListIndividualCache LocationsNetworkFilename
    LogRunToHistoryFile MaxCirclePopulationFile MaxSizeInMaxCirclePopulationFile_Reported
    MaxSpatialSizeInMaxCirclePopulationFile MetaLocationsFilename MostLikelyClusterCaseInfoEachCentroidASCII
    MostLikelyClusterCaseInfoEachCentroidDBase MostLikelyClusterEachCentroidASCII MostLikelyClusterEachCentroidDBase
    NumBootstrapReplications NumberParallelProcesses NumberPowerReplications OliveiraPvalueCutoff OutputCartesianGraph
    OutputGoogleEarthKML OutputGoogleMaps OutputShapefiles OutputTemporalGraphHTML PowerEstimationType
    PowerEvaluationTotalCases PowerEvaluationsMethod PowerEvaluationsSimulationMethod
    PowerEvaluationsSimulationOutputFilename PowerEvaluationsSimulationSourceFilename PrintAsciiColumnHeaders
    ReportClusterRank ReportGiniIndexCoefficents ReportGumbel ReportPowerEvaluationSimulationData ResultsFile
    ResultsTitle SaveSimLLRsASCII SaveSimLLRsDBase SimulatedDataInputFilename SimulatedDataOutputFilename SpatialMaxima
    SuppressWarnings TemporalGraphMostMLC TemporalGraphReportType TemporalGraphSignificanceCutoff
    ThresholdLocationsSeparateKML TimeTrendType Version
    PrintSimulatedDataToFile
"""
NO_EFFECT: Final = frozenset(_NO_EFFECT.split())
