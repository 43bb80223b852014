"""Names in scikit-learn, Keras, PyTorch, R and textbooks for bpcli's choices, for advice on unknown names."""

_LINES = """
auc: roc_auc roc_auc_score auroc roc area_under_curve c_statistic concordance
pr_auc: average_precision average_precision_score auprc aucpr prauc ap
accuracy: accuracy_score acc categorical_accuracy sparse_categorical_accuracy binary_accuracy
balanced_accuracy: balanced_accuracy_score balanced_acc bacc
mcc: matthews_corrcoef matthews phi_coefficient
brier: brier_score brier_score_loss
ece: expected_calibration_error calibration_error
rmse: root_mean_squared_error
mae: mean_absolute_error l1_loss absolute_error
r2: r2_score r_squared coefficient_of_determination explained_variance
f1: f1_score fscore f_measure
youden: youden_j youden_index
mse rmse: mean_squared_error mse_loss squared_error squared_loss l2_loss least_squares quadratic quadratic_loss
bce loss: binary_crossentropy bce_loss bce_with_logits bce_with_logits_loss log_loss logistic_loss
cce loss: categorical_crossentropy sparse_categorical_crossentropy nll nll_loss softmax_loss
cce bce loss: cross_entropy cross_entropy_loss negative_log_likelihood log_likelihood deviance
huber: smooth_l1 smooth_l1_loss huber_loss
hinge: hinge_loss svm
poisson: poisson_loss poisson_nll poisson_nll_loss
identity: linear none
sigmoid: logistic logsig expit
relu: rectifier rectified_linear
leaky_relu: lrelu
neuron: logistic_regression linear_regression perceptron logit ols
softmax: multinomial multinomial_regression softmax_regression multiclass
sgd: gd gradient_descent stochastic_gradient_descent batch_gradient_descent vanilla
momentum: heavy_ball sgd_momentum
nesterov: nag nesterov_momentum
lbfgs: bfgs l_bfgs_b
newton: newton_cg newton_cholesky newton_raphson irls
step: step_lr step_decay multistep multistep_lr
exponential: exponential_lr exponential_decay exp_decay
cosine: cosine_annealing cosine_annealing_lr cosine_decay
inverse_time: inverse_time_decay time_decay
learning_rate lr: lr eta eta0 alpha step_size learning_rate_init
l2: weight_decay reg lambda reg_lambda l2_regularization ridge penalty c
l1: reg_alpha l1_ratio l1_regularization lasso
epochs steps: max_iter max_iterations n_iter n_iterations iterations iter num_epochs n_epochs nb_epoch max_epochs rounds
batch_size: batch mini_batch mini_batch_size bs
tolerance: tol eps gtol
seed: random_state random_seed rng
optimizer: solver algorithm optim optimiser momentum nesterov beta1 beta2 betas
schedule: scheduler lr_schedule lr_scheduler learning_rate_schedule decay warmup_steps
early_stopping: patience n_iter_no_change
clip_norm: gradient_clip grad_clip clip_gradients max_grad_norm gradient_clip_norm clipnorm
dtype: precision float_type
class_weight: class_weights
validation: validation_split validation_fraction val_split val val_size valid dev
test: test_size test_split test_fraction holdout
target: label labels target_column label_column class_column response dependent
features: columns feature_columns inputs predictors
exclude: drop drop_columns ignore ignore_columns
categorical: one_hot dummies categorical_features factors
standardize: normalize normalise standardise scaler standard_scaler zscore
path: file filename dataset csv data_file
delimiter: sep separator
missing_words: na_values missing_values null_values nan_values
missing: impute imputation imputer fillna na
weight: sample_weight sample_weights weights
positive: pos_label positive_class
type: kind architecture model_type
init: initializer initialization weight_init kernel_initializer
activation: activation_function nonlinearity
loss: loss_function criterion objective cost error
metric: monitor scoring
output: out output_dir save
"""
_NOTHING = """
adadelta adamax nadam radam lion ftrl rprop amsgrad sag saga liblinear one_cycle plateau reduce_on_plateau polynomial
swish silu gelu selu mish prelu mae squared_hinge kl_div kld recall precision_score recall_score
"""
"""Names of things that bpcli does not have, for which no similarly spelled name is suggested."""


def _plain(name: str) -> str:
    """A name in lower case without underscores and hyphens: lbfgsb for L-BFGS-B and l_bfgs_b."""
    return "".join(character for character in name.casefold() if character.isalnum())


NAMES = {
    tuple(here.split()): [_plain(name) for name in elsewhere.split()]
    for here, elsewhere in (line.split(": ") for line in _LINES.strip().splitlines())
}
"""The plain names of other tools, by the names in bpcli that they may stand for, the likelier first."""

_NOT_HERE = {_plain(name) for name in _NOTHING.split()}


def meanings(name: str) -> tuple[str, ...] | None:
    """The names in bpcli for a name of another tool, the likelier first.

    () if bpcli does not have it, None if the name is not known.
    """
    wanted = _plain(name)
    return next((here for here, elsewhere in NAMES.items() if wanted in elsewhere), () if wanted in _NOT_HERE else None)
