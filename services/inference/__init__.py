"""The PredictionService client over grpcio and its message descriptors; HTTP scoring for CPU hosts."""
